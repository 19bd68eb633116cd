"""The mind: trajectory, language models, thoughts and words, tools, memory."""
