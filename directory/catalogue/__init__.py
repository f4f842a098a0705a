"""What the codes of the directory are called, one file per language.

Titles of treaties follow their authentic texts where there is one; Portuguese has none at the
United Nations and follows common use. A further language is one more file, and its code in
`languages.py`.
"""
