-- Sessions kept what requests said of experiments in the words of the protocol; from now on they
-- keep it in ours, as it is evaluated.
UPDATE session SET document = jsonb_set(document, '{experiment_variant_allocations}', (
    SELECT jsonb_agg(jsonb_build_object(
        'experiment_id', coalesce(each -> 'experimentID', each -> 'experiment_id'),
        'variant_id', coalesce(each -> 'variantID', each -> 'variant_id')))
    FROM jsonb_array_elements(document -> 'experiment_variant_allocations') AS listed (each)))
WHERE jsonb_array_length(document -> 'experiment_variant_allocations') > 0;
