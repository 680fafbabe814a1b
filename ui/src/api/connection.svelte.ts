/** Whether the server answers. While it does not, it is asked now and then; data is loaded again after that. */

const PATIENCE = 2000

let lost = $state(false)
let epoch = $state(0)
let timer: ReturnType<typeof setTimeout> | undefined

export const connection = {
  get lost(): boolean {
    return lost
  },
  /** Grows whenever the server is back: whoever shows data depends on it. */
  get epoch(): number {
    return epoch
  },
  /** Has all data loaded again. */
  renew(): void {
    epoch += 1
  },
}

export function unreachable(): void {
  lost = true
  timer ??= setTimeout(ask, PATIENCE)
}

export function reached(): void {
  if (!lost) return
  lost = false
  epoch += 1
}

async function ask(): Promise<void> {
  timer = undefined
  try {
    await fetch(import.meta.env.DEV ? '/health' : new URL('../health', import.meta.url))
    reached()
  } catch {
    unreachable()
  }
}
