"""Where results stay: `files` on disk (models_cache), `sparse` for packed masks, `memory` for what
is in use now.
"""
