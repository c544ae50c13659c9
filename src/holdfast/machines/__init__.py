"""Protecting virtual machines: what is taken, in which order, and how it comes back.

points        what a point says of itself
layout        how a disk lies in a point; nodes makes its files and folders
blocks        which blocks are kept, zeros or read: pure
disk_source   where a disk's content comes from
point_writer  the use: disks, facts, snapshot; it has a disk_store, which has a crew of threads,
              each with a block_sink, and a spool for what a slow vault cannot take yet
point_reader  the other way: facts, files, and the blocks of disks
disk_reader   any bytes of a disk at any time, with a block_cache
disk_writing  a disk comes back: to a new image or onto disk_targets that are there
"""
