"""The contract, and the few modules that the hub and its clients must compute alike.

Never imports the hub, the client or the directory.
"""
