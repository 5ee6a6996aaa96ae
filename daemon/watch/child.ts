/** The watch child's entry (placeholder). */

export {};
