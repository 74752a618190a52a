/** The log line with which the measured member answers; no number of MongoDB's. */
export const MEASURED_ID = 9_000_001;
