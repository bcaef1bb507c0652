"""Data sets of handwritten characters -> 28x28 images with classes and splits, in one set.

What can be read, and how it is told apart:

    *images-idx3-ubyte, *labels-idx1-ubyte   MNIST and EMNIST, gzipped or not, by their names
    *.csv                                    label, then 784 pixels: the Kaggle set "A-Z Handwritten Alphabets"
    *.json                                   Chars74K: character -> drawings -> strokes of [x, y], y down
    A/, B/, 7/, ...                          folders of pictures, named by their class

Every image comes out white on black, upright, scaled and centred as MNIST's are. Files are not trusted: every
one is read in pieces of bounded size, whatever its header says, and an error names the file and the row.

A format has a module of its own with a generator of blocks, entered in `prepare._blocks` and in `sources.Kind`.
"""
