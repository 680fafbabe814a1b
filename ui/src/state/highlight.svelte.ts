/** The run that is pointed at: charts, legends and tables all show it. */

let run = $state<string | undefined>()

export const highlight = {
  get run(): string | undefined {
    return run
  },
  set run(id: string | undefined) {
    run = id
  },
}
