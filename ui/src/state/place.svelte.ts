/** Where the user is. The link is the state: whatever should survive a reload goes through here. */
import { href, parse, type Place, type Query, type Route } from '../route'

let current = $state.raw<Place>(read())

export const place = {
  get route(): Route {
    return current.route
  },
  get query(): Query {
    return current.query
  },
}

/**
 * Go to a page, as if its link was followed.
 *
 * @param replace Do not make an entry in the history: for what changes all the time, such as a slider.
 */
export function go(route: Route, query: Query = {}, replace = false): void {
  move(href(route, query), replace)
}

/**
 * Change parts of the query; an empty value or undefined removes one.
 *
 * @param replace Do not make an entry in the history: for what changes all the time, such as typing.
 */
export function setQuery(changes: Record<string, string | undefined>, replace = false): void {
  const query: Record<string, string> = { ...current.query }
  for (const [name, value] of Object.entries(changes)) {
    if (value) query[name] = value
    else delete query[name]
  }
  move(href(current.route, query), replace)
}

function move(target: string, replace: boolean): void {
  if (target !== location.hash) history[replace ? 'replaceState' : 'pushState'](null, '', target)
  current = read()
}

function read(): Place {
  const found = parse(location.hash)
  const canonical = href(found.route, found.query)
  if (found.route.page !== 'missing' && location.hash !== canonical && location.hash !== '') {
    history.replaceState(null, '', canonical)
  }
  return found
}

addEventListener('hashchange', () => (current = read()))
addEventListener('popstate', () => (current = read()))
