#!/bin/sh
# A child that does what the file `script` beside its name says. Tests start it by a link from a folder of their own: a
# program that a test writes itself may still be open for writing in a child of another one, and cannot be started then.
. "${0%/*}/script"
