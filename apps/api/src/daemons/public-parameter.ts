import type { provisioner } from "@berth/contract";

/** The public TemplateVersionParameter. */
export function publicParameter(parameter: provisioner.RichParameter) {
  return {
    name: parameter.name,
    display_name: parameter.displayName,
    description: parameter.description,
    description_plaintext: plainText(parameter.description),
    type: parameter.type,
    form_type: parameter.formType,
    mutable: parameter.mutable,
    default_value: parameter.defaultValue,
    icon: parameter.icon,
    options: parameter.options,
    ...(parameter.validationError !== "" && { validation_error: parameter.validationError }),
    ...(parameter.validationRegex !== "" && { validation_regex: parameter.validationRegex }),
    ...(parameter.validationMin !== undefined && { validation_min: Number(parameter.validationMin) }),
    ...(parameter.validationMax !== undefined && { validation_max: Number(parameter.validationMax) }),
    ...(parameter.validationMonotonic !== "" && { validation_monotonic: parameter.validationMonotonic }),
    required: parameter.required,
    ephemeral: parameter.ephemeral,
  };
}

/** Markdown without its marks: links keep their text, emphasis and code their words. */
export function plainText(markdown: string): string {
  return markdown
    .replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replace(/^#{1,6}\s+/gm, "")
    .replace(/(\*\*|__|`)/g, "")
    .trim();
}
