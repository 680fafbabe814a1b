/**
 * Who makes the changes of this browser. A server without accounts believes what it is told, so this is a signature for
 * the history, and protects nothing.
 */
import { kept } from './kept.svelte'

const name = kept('user', '')
let waiting = $state.raw<((go: boolean) => void) | undefined>()
/** Whether somebody would not say, in this window. */
let declined = $state(false)

export const user = {
  get name(): string {
    return name.value
  },
  set name(text: string) {
    name.value = text.trim().slice(0, 200)
  },
  /** Whether nobody was asked yet. */
  get unknown(): boolean {
    return name.value === '' && !declined
  },
  /** Whether somebody is asked at the moment. */
  get asked(): boolean {
    return waiting !== undefined
  },
}

/** What happens if a change is not to be made after all. */
export class NotNow extends Error {
  constructor() {
    super('Nothing was changed.')
  }
}

/** Ask for the name if it is not known; to be awaited before a change. Rejects with NotNow if it is cancelled. */
export async function signed(): Promise<void> {
  if (!user.unknown) return
  waiting?.(false)
  const go = await new Promise<boolean>((resolve) => (waiting = resolve))
  if (!go) throw new NotNow()
}

/** The answer: a name, '' for none, undefined to leave everything as it is. */
export function answer(text: string | undefined): void {
  if (text !== undefined) {
    user.name = text
    declined = user.name === ''
  }
  waiting?.(text !== undefined)
  waiting = undefined
}

/** Somebody makes a change without a name. */
export function decline(): void {
  declined = true
}

/** For the header of a request: percent-encoded, as the server reads it. */
export function signature(): Record<string, string> {
  return name.value ? { 'X-Mlflow-User': encodeURIComponent(name.value) } : {}
}
