/** iopipectl's entry (placeholder). */

export {};
