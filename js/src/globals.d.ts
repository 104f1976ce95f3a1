/** Hash of the drawing engine's source; build.mjs puts it in. */
declare const ENGINE_HASH: string;

declare module "*.css" {
  const text: string;
  export default text;
}
