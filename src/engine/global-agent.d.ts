// Its package's own types are not found by their name.
declare module 'global-agent' {
  /** Leads every request of this process through the proxy that GLOBAL_AGENT_HTTPS_PROXY names. */
  export function bootstrap(): boolean;
}
