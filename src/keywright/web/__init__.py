"""The console. Not built yet but for what machines ask at its address: health, and the key of the gateway's assertions."""
