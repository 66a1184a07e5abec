/**
 * Types for pages that carry Ringback's embed script (`/embed.js`).
 *
 * Copy this file into your project; it declares globals and is imported by nobody. The script is loaded
 * by the page, so there may be no `Ringback` yet: `window.Ringback?.open("sales")`.
 */

declare namespace Ringback {
  /** The form's colours; "auto" is as the visitor's system is. */
  type Theme = "light" | "dark" | "auto";

  /** How a link shows its form: over the page, in its own place, or as a launcher at the window's corner. */
  type Mode = "dialog" | "inline" | "button";

  /** Where a callback request stands. No state says that a call was made: nobody can know. */
  type State = "waiting" | "handing_over" | "with_team" | "unknown" | "called" | "failed" | "cancelled";

  /** What `open` may be told about a form. */
  interface Options {
    /** Fills the form in. These three are sent to nobody before the visitor sends the form. */
    name?: string;
    email?: string;
    phone?: string;
    /** A language tag, such as "de". Default: what `<html lang>` says. */
    lang?: string;
    /** Default: what the page says of itself by `color-scheme`. */
    theme?: Theme;
    /** A value for the agent, if `attributes` of the widget allows its name. */
    [attribute: string]: string | undefined;
  }

  /** What a link to a form may carry. */
  interface LinkAttributes {
    /** Default: "dialog". */
    "data-ringback"?: Mode;
    "data-ringback-name"?: string;
    "data-ringback-email"?: string;
    "data-ringback-phone"?: string;
    "data-ringback-lang"?: string;
    "data-ringback-theme"?: Theme;
    /** A value for the agent, if `attributes` of the widget allows its name. In lower case. */
    [attribute: `data-ringback-${string}`]: string | undefined;
  }

  /** A stored request. Nothing that a person typed. */
  interface Requested {
    /** The widget's name in ringback.toml. */
    readonly widget: string;
    /** What the visitor and the agent see too, such as "RB-7F3K-92QD". */
    readonly reference: string;
    readonly state: State;
  }

  /** A form, of which nothing else is said. */
  interface OfForm {
    /** The widget's name in ringback.toml. */
    readonly widget: string;
  }

  interface Embed {
    /** Opens the form of a widget over the page. */
    open(widget: string, options?: Options): void;
    /** Closes it; nothing happens if it is not open. */
    close(): void;
  }
}

interface Window {
  readonly Ringback?: Ringback.Embed;
}

interface DocumentEventMap {
  /** The dialog was opened. */
  "ringback:open": CustomEvent<null>;
  /** A request was stored, in the dialog or inline. */
  "ringback:requested": CustomEvent<Ringback.Requested>;
  /** The first letter was typed into a form, in the dialog or inline. */
  "ringback:begun": CustomEvent<Ringback.OfForm>;
  /** A form was sent and not stored: something is to be mended, or to be tried later. */
  "ringback:failed": CustomEvent<Ringback.OfForm>;
  /** The dialog was closed. */
  "ringback:close": CustomEvent<null>;
}
