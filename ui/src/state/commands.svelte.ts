/**
 * Commands: what keys do, what the palette offers, and what the help lists, in one place.
 *
 * Keys are such as `c`, `/`, `ArrowDown`, `g e` (one after the other), `Mod+k` (Ctrl, or ⌘ on a Mac).
 */
import { untrack } from 'svelte'

export interface Command {
  label: string
  keys?: readonly string[]
  /** Heading in the help. */
  group?: string
  /** Not offered in the palette: it makes sense with a key only, such as moving down. */
  hidden?: boolean
  run: () => void
}

let layers = $state.raw<readonly (readonly Command[])[]>([])
let prefix = ''
let timer: ReturnType<typeof setTimeout> | undefined

export const commands = {
  /** All that can be done now; what was added last comes first. */
  get all(): readonly Command[] {
    return [...layers].reverse().flat()
  },
}

/** Offer commands as long as the component that calls this while it is made is there. */
export function useCommands(list: () => readonly Command[]): void {
  $effect(() => {
    const mine = list()
    untrack(() => (layers = [...layers, mine]))
    return () => {
      layers = layers.filter((layer) => layer !== mine)
    }
  })
}

/** For the window's `keydown`. */
export function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  const name = nameOf(event)
  // Then it closes that, and nothing else.
  if (name === 'Escape' && document.querySelector(':popover-open, dialog[open]')) return
  if (isTyping(event.target) && !name.startsWith('Mod+') && name !== 'Escape') return
  clearTimeout(timer)
  const whole = prefix ? `${prefix} ${name}` : name
  const command = commands.all.find((c) => c.keys?.includes(whole)) ?? commands.all.find((c) => c.keys?.includes(name))
  prefix = ''
  if (command) {
    if (isTyping(event.target) && name === 'Escape') return
    event.preventDefault()
    command.run()
  } else if (commands.all.some((c) => c.keys?.some((keys) => keys.startsWith(`${name} `)))) {
    prefix = name
    timer = setTimeout(() => (prefix = ''), 1200)
  }
}

function nameOf(event: KeyboardEvent): string {
  const mod = event.ctrlKey || event.metaKey
  if (event.altKey) return `Alt+${event.key}`
  return mod ? `Mod+${event.key.toLowerCase()}` : event.key
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'range', 'button'].includes(target.type)
}

/** A key as it is shown: ⌘ K, g e. */
export function keyText(keys: string): string {
  const mac = navigator.platform.startsWith('Mac')
  return keys
    .replace(/Mod\+(.)/, (_, key: string) => `${mac ? '⌘' : 'Ctrl'} ${key.toUpperCase()}`)
    .replace('ArrowDown', '↓').replace('ArrowUp', '↑').replace('ArrowLeft', '←').replace('ArrowRight', '→')
    .replace('Escape', 'Esc')
}
