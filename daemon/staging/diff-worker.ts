/** The diff worker's entry (placeholder). */

export {};
