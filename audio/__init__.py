"""The ears and the line: PCM, resampling, codecs, voice detection, recognition, playout."""
