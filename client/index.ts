/** The client library (placeholder). */

export {};
