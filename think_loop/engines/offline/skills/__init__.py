"""Pure: what the offline brain can do, one skill per file. ``intents.py`` puts them in order."""
