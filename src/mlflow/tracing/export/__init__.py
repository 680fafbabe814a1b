"""Where traces go once they have ended."""
