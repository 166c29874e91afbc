// The loss ledger's arithmetic: received = stored + rejected + spooled, or lines are missing.

export interface Line {
  received: number;
  stored: number;
  rejected: number;
  spooled: number;
}

/** How many lines have no explanation: 0 is the promise, more is a loss, less is counting twice. */
export const missing = (line: Line) => line.received - line.stored - line.rejected - line.spooled;

export function total(lines: readonly Line[]): Line {
  const sum = { received: 0, stored: 0, rejected: 0, spooled: 0 };
  for (const line of lines) {
    sum.received += line.received;
    sum.stored += line.stored;
    sum.rejected += line.rejected;
    sum.spooled += line.spooled;
  }
  return sum;
}
