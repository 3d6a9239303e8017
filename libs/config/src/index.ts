/** A declared group of options: type, variable, flag, default, help and docs from one declaration. */
export interface Section<Config> {
  readonly fields: { readonly [Name in keyof Config]: Field<Config[Name]> };
}

/** One option. */
export interface Field<Value> {
  readonly variable: string;
  readonly aliases: readonly string[];
  readonly description: string;
  readonly parse: (text: string) => Value;
}
