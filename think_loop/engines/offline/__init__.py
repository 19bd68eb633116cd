"""The offline brain: a rule-based language model that needs no download, and says that it is one."""
