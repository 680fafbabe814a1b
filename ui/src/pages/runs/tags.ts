/** Tags that mean something to this page. */

/** An experiment's note. */
export const NOTE = 'mlflow.note.content'
/** Before the name of a saved view; the value is the query of its link. */
export const VIEW = 'headrace.view.'
/** A run's colour, if it was chosen. */
export const COLOUR = 'mlflow.runColor'
