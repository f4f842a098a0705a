"""What a notice carries, one module per noun: when is each part of it well-formed?"""
