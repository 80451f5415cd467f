"""The actions of Administrators on permission sets."""
