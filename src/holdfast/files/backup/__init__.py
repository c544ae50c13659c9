"""The backup pipeline: one parent that decides, one worker per core that reads and packs.

backup     the use: roots, snapshot, report
pipeline   the parent: tasks out, results in, packs to the storage, trees assembled
worker     a forked process: its loop; directory and content do the reading
plain_nodes  the short way to the node of an ordinary file
messages   what the two say to each other
slots      the buffers packs are filled in, in memory all share
file_cache what the last backup saw, to skip what is unchanged; its log_records and their compaction
"""
