# Builds the table of who is at risk from records of risk.scores, as kcat -J
# prints them, one per line. Run with: jq -rn --arg now TIME -f table.jq
# TIME is the present, as 2026-03-02T09:00:00.000Z; all times in the records
# have this form, so that comparing their text compares the times.

# Whether a record that comes later also is newer. Where riskstream runs with
# at_least_once, it publishes some records again after a crash, oldest first.
def newer($held):
  .version > $held.version
  or (.version == $held.version and .as_of >= $held.as_of)
  or (.event != null and .as_of > $held.as_of);

# Level and decision at $now: those of the last lapse that has passed.
def in_force:
  reduce (.lapses[] | select(.at <= $now)) as $lapse (.; .level = $lapse.level | .decision = $lapse.decision);

reduce inputs as $record ({};
  if $record.payload == null then
    del(.[$record.key])                     # a tombstone: the session is over
  else
    .[$record.key] as $held
    | ($record.payload | try fromjson catch null) as $score
    | if $score == null then .              # not a score: step over
      elif $held == null or ($score | newer($held)) then .[$record.key] = $score
      else . end
  end)
| [.[] | in_force | select(.level != "none")]
| sort_by(-.score, .entity)[]
| [.decision, .level, .score, (.reauth_after // "-"), .entity, ([.reasons[].detection] | join(","))]
| @tsv
