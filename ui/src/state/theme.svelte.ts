/** Light or dark: as the system says, unless the reader or the link (`?theme=dark`) says otherwise. */
import { kept } from './kept.svelte'
import { place } from './place.svelte'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

const chosen = kept<Theme>('theme', 'system')
const media = matchMedia('(prefers-color-scheme: dark)')
let systemDark = $state(media.matches)
media.addEventListener('change', () => (systemDark = media.matches))

export const theme = {
  get chosen(): Theme {
    return chosen.value
  },
  set chosen(value: Theme) {
    chosen.value = value
  },
  /** What is shown. Whatever draws on a canvas depends on it. */
  get dark(): boolean {
    const asked = THEMES.find((name) => name === place.query.theme) ?? chosen.value
    return asked === 'system' ? systemDark : asked === 'dark'
  },
}
