"""The contract of a model registry, one class a topic.

Any thread may call any method. A method that changes something returns once the change survives a
crash. Versions are numbers, or the text of one. Times are milliseconds since the Unix epoch.
"""
