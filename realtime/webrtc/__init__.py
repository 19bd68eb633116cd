"""Calls over WebRTC: aiortc connects (ICE, DTLS, SRTP, SCTP), the sound is handled here."""
