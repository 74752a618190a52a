/** Exit codes of a member's process. They are MongoDB's, since tools look at them. Source: the manual, "Exit Codes". */

export const EXIT_CLEAN = 0;

/** The command line is wrong. */
export const EXIT_BAD_OPTIONS = 2;

/** The member met a bug, corrupt state or a failing disk and stopped rather than go on. */
export const EXIT_ABRUPT = 14;

/** The port is taken. */
export const EXIT_NET_ERROR = 48;

/** The data folder was written by another version. */
export const EXIT_NEED_UPGRADE = 62;

/** The data folder cannot be used: missing, in use, not writable. */
export const EXIT_DATA_FOLDER = 100;
