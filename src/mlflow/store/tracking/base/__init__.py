"""The contract of a tracking store, one class a topic.

Any thread may call any method. A method that changes something returns once the change survives a
crash. Ids are strings: an experiment's is decimal digits, a run's 32 hex digits. Times are
milliseconds since the Unix epoch.
"""
