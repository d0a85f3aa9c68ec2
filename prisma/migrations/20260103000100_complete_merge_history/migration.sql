-- A merged chart, and the history of merges, may only name patients that exist.

-- AddForeignKey
ALTER TABLE "patients" ADD CONSTRAINT "patients_mergedInto_fkey" FOREIGN KEY ("mergedInto") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_merge_history" ADD CONSTRAINT "patient_merge_history_sourcePatientId_fkey" FOREIGN KEY ("sourcePatientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "patient_merge_history" ADD CONSTRAINT "patient_merge_history_targetPatientId_fkey" FOREIGN KEY ("targetPatientId") REFERENCES "patients"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddCheck
ALTER TABLE "patient_merge_history" ADD CONSTRAINT "patient_merge_history_two_charts_check" CHECK ("sourcePatientId" <> "targetPatientId");
