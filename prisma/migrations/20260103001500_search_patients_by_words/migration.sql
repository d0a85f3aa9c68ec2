-- What a chart is found by: its words, dates and numbers, each in the one form in which they are searched, and every word of a name once, to find what was mistyped.

-- CreateTable
CREATE TABLE "patient_search_entries" (
    "patientId" UUID NOT NULL,
    "terms" TSVECTOR NOT NULL,
    "termsVersion" INTEGER NOT NULL,

    CONSTRAINT "patient_search_entries_pkey" PRIMARY KEY ("patientId")
);

-- CreateTable
-- The second part of the key lets two transactions add the same new word at once: neither waits for the other.
CREATE TABLE "patient_search_words" (
    "word" VARCHAR(64) NOT NULL,
    "writer" INTEGER NOT NULL,
    "deletes" TEXT[] NOT NULL,

    CONSTRAINT "patient_search_words_pkey" PRIMARY KEY ("word", "writer")
);

-- CreateIndex
-- Serves: charts by words, beginnings of words, dates and numbers. The list of what is not yet sorted in is kept short, as every search reads it whole.
CREATE INDEX "patient_search_entries_terms_idx" ON "patient_search_entries" USING GIN ("terms") WITH (gin_pending_list_limit = 256);

-- CreateIndex
-- Serves: words that are one letter away from a mistyped one.
CREATE INDEX "patient_search_words_deletes_idx" ON "patient_search_words" USING GIN ("deletes") WITH (gin_pending_list_limit = 256);

-- AddForeignKey
ALTER TABLE "patient_search_entries" ADD CONSTRAINT "patient_search_entries_patientId_fkey" FOREIGN KEY ("patientId") REFERENCES "patients"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "patient_search_entries" ADD CONSTRAINT "patient_search_entries_termsVersion_check" CHECK ("termsVersion" >= 1);
ALTER TABLE "patient_search_words" ADD CONSTRAINT "patient_search_words_word_check" CHECK ("word" <> '');

-- AddComment
COMMENT ON TABLE "patient_search_entries" IS 'What each chart is found by, written with every change of it. Made of the chart alone: "onechart search rebuild" makes it anew.';
COMMENT ON COLUMN "patient_search_entries"."patientId" IS 'The chart.';
COMMENT ON COLUMN "patient_search_entries"."terms" IS 'Words of all names, without marks and in Latin letters beside their own; dates as b:, record numbers as m:, telephone numbers as p:, other numbers as i:, e-mail addresses as e:.';
COMMENT ON COLUMN "patient_search_entries"."termsVersion" IS 'Version of the rules that made the terms.';
COMMENT ON TABLE "patient_search_words" IS 'Every word of a name, so that a mistyped one is led to those it may stand for. A word stays when its last bearer is gone.';
COMMENT ON COLUMN "patient_search_words"."word" IS 'The word as it stands in the terms.';
COMMENT ON COLUMN "patient_search_words"."writer" IS 'Process of the server that added it: two at once add it twice, which does no harm.';
COMMENT ON COLUMN "patient_search_words"."deletes" IS 'The word, and the word without each of its letters.';
COMMENT ON INDEX "patient_search_entries_pkey" IS 'Serves: the entry of a chart; its removal with the chart.';
COMMENT ON INDEX "patient_search_entries_terms_idx" IS 'Serves: charts by words, beginnings of words, dates and numbers.';
COMMENT ON INDEX "patient_search_words_pkey" IS 'Serves: whether a word is there already.';
COMMENT ON INDEX "patient_search_words_deletes_idx" IS 'Serves: words that are one letter away from a mistyped one.';

-- The roles were made by an earlier migration; where one is missing because nobody may create it, the grant is left out as there.
-- onechart:undo-not-needed The grants go with the tables.
-- onechart:done-when COALESCE((SELECT bool_and(COALESCE(CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted.role) THEN pg_catalog.has_table_privilege(wanted.role, pg_catalog.to_regclass(pg_catalog.format('%I.%I', pg_catalog.current_schema(), wanted.relation)), wanted.privilege) ELSE NOT (SELECT me.rolsuper OR me.rolcreaterole FROM pg_catalog.pg_roles me WHERE me.rolname = CURRENT_USER) END, false)) FROM (VALUES ('onechart_app', 'patient_search_entries', 'SELECT'), ('onechart_app', 'patient_search_entries', 'INSERT'), ('onechart_app', 'patient_search_entries', 'UPDATE'), ('onechart_app', 'patient_search_words', 'SELECT'), ('onechart_app', 'patient_search_words', 'INSERT'), ('onechart_reader', 'patient_search_entries', 'SELECT'), ('onechart_reader', 'patient_search_words', 'SELECT')) AS wanted(role, relation, privilege)), false)
DO $onechart$
BEGIN
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_app') THEN
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON TABLE %I.patient_search_entries TO onechart_app', current_schema());
    EXECUTE format('GRANT SELECT, INSERT ON TABLE %I.patient_search_words TO onechart_app', current_schema());
  END IF;
  IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'onechart_reader') THEN
    EXECUTE format('GRANT SELECT ON TABLE %I.patient_search_entries TO onechart_reader', current_schema());
    EXECUTE format('GRANT SELECT ON TABLE %I.patient_search_words TO onechart_reader', current_schema());
  END IF;
END
$onechart$;
