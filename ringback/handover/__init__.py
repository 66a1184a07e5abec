"""Requests leave for Samespace here."""
