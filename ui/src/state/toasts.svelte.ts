/** Short messages that go away by themselves. */

export interface Toast {
  id: number
  text: string
  bad: boolean
  undo?: () => void
}

const LIFE = 6000

let shown = $state.raw<readonly Toast[]>([])
let last = 0

export const toasts = {
  get shown(): readonly Toast[] {
    return shown
  },
}

export function toast(text: string, options: { bad?: boolean; undo?: () => void } = {}): void {
  const one: Toast = { id: ++last, text, bad: options.bad ?? false, undo: options.undo }
  shown = [...shown.slice(-3), one]
  setTimeout(() => dismiss(one.id), one.bad ? 2 * LIFE : LIFE)
}

export function dismiss(id: number): void {
  shown = shown.filter((one) => one.id !== id)
}

/**
 * An edit that is shown at once, and taken back if the server refuses it. Says so in a toast.
 *
 * @param show Makes it visible; what it returns takes it back.
 */
export async function edit(show: () => () => void, save: () => Promise<unknown>): Promise<boolean> {
  const failed = await attempt(show, save)
  if (failed) toast(failed.message, { bad: true })
  return !failed
}

/** As `edit`, but what went wrong is returned, to be shown in place. */
export async function attempt(show: () => () => void, save: () => Promise<unknown>): Promise<Error | undefined> {
  const takeBack = show()
  try {
    await save()
    return undefined
  } catch (error) {
    takeBack()
    return error instanceof Error ? error : new Error(String(error))
  }
}
