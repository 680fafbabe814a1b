/** The top line: where the page is, and what it is called. Each page says so itself. */

export interface Crumb {
  text: string
  href?: string
}

let crumbs = $state.raw<readonly Crumb[]>([])

export const head = {
  get crumbs(): readonly Crumb[] {
    return crumbs
  },
}

/** To be called while a page is made. The last crumb is the page itself. */
export function useHead(list: () => readonly Crumb[]): void {
  $effect(() => {
    const mine = list()
    crumbs = mine
    const words = [...mine].reverse().map((crumb) => crumb.text).filter((text) => text !== '')
    document.title = [...words.slice(0, 2), 'Headrace'].join(' · ')
  })
}
