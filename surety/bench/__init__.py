# SPDX-License-Identifier: MIT
"""Measurements: gas as counts; speed as ratios of two things measured in one run."""
