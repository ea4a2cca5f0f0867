"""Evaluations of the project itself: how good is the auditor, and how good is the search?"""
