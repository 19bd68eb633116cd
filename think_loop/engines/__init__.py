"""The language model engines, one file or package each."""
