/** Settings that this browser remembers. They are the reader's own; what a link must show is in the URL instead. */

const PREFIX = 'headrace.'

export interface Kept<T> {
  value: T
}

/** A value in local storage, under a name of its own. Reading it anew in another window is left to a reload. */
export function kept<T>(name: string, first: T): Kept<T> {
  let value = $state(read(name, first))
  return {
    get value() {
      return value
    },
    set value(next: T) {
      value = next
      try {
        localStorage.setItem(PREFIX + name, JSON.stringify(next))
      } catch {
        // full, or forbidden: then it is remembered until the window is closed
      }
    },
  }
}

function read<T>(name: string, first: T): T {
  try {
    const text = localStorage.getItem(PREFIX + name)
    return text === null ? first : (JSON.parse(text) as T)
  } catch {
    return first
  }
}
