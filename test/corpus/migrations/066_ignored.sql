-- onechart:ignore table-dropped nobody has read it since the invoices moved out; dumped on 3 March
-- onechart:ignore lock-timeout-missing the practice is closed while this runs
-- onechart:ignore statement-timeout-missing the practice is closed while this runs
DROP TABLE "invoices";
