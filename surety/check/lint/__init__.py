# SPDX-License-Identifier: MIT
"""The lint: rules on the compiler's annotated tree, each with a why and a fix.

`rules` holds the table of all rules; a module of rules is a function for each of them from a
source, and from what is known of the whole project, to the places that it finds.
"""
