package evaluate

import "github.com/riskstream/riskstream/event"

// Report is what an evaluation has measured. Everything is of the test window
// unless it says otherwise.
type Report struct {
	Data      Data        `json:"data"`
	Methods   []Method    `json:"methods"` // riskstream first
	Defaults  Defaults    `json:"defaults"`
	Detection []Detection `json:"time_to_detect"`
	Campaigns []Campaign  `json:"campaigns"`
	Stories   []Story     `json:"stories"`
	Firings   []Firing    `json:"detectors"`
	// Misses are compromises whose user was not at medium, and Alarms benign
	// sign-ins that were challenged, at the shipped levels: some of each kind.
	Misses      []Example   `json:"misses"`
	Alarms      []Example   `json:"false_alarms"`
	Ablation    []Ablated   `json:"ablation"`
	Calibration Calibration `json:"calibration"`
	// CostNS is the time of an event in both lanes, on one core, in nanoseconds.
	CostNS float64 `json:"cost_ns_per_event"`
}

// Data is what was evaluated.
type Data struct {
	Source  string   `json:"source"`
	Seeds   []uint64 `json:"seeds,omitempty"`
	Windows Windows  `json:"windows"` // the same for each seed
	Events  int      `json:"events"`  // in all windows
	Users   int      `json:"users"`   // with a benign event
	Days    float64  `json:"days"`    // of the test window, of each seed
	SignIns int      `json:"benign_sign_ins"`
	// Attacks are those in which the attacker came in; Repelled are those on one
	// user in which they did not.
	Attacks  int `json:"attacks"`
	Repelled int `json:"attacks_without_compromise"`
	// Unknown are attacks on users who had never signed in, where these are left
	// out.
	Unknown int      `json:"attacks_on_unknown_users,omitempty"`
	Notes   []string `json:"notes,omitempty"`
}

// Method is how well one contender does.
type Method struct {
	Name   string  `json:"name"`
	Groups []Group `json:"groups"` // all attacks first, then by kind, then by kind and variant
	// Challenged is the share of benign sign-ins that the thresholds of each
	// budget challenge in the test window: the budget is met on an earlier one.
	Challenged []Rate  `json:"challenged"`
	Curve      []Point `json:"curve"`
	// AUCPR is the average precision at Prevalence.
	AUCPR      float64 `json:"auc_pr"`
	Prevalence float64 `json:"prevalence"`
	Precision  []Top   `json:"precision_per_day"`
	// Reauths is the median number of challenges in a user's first 12 sign-ins,
	// by budget.
	Reauths  []float64  `json:"median_challenges_in_12"`
	AtTPR    []AtTPR    `json:"at_tpr"`
	Learning []Learning `json:"learning_curve"`
}

// Group is a kind of attack and how many are found at each budget of challenges.
type Group struct {
	Attack  string `json:"attack"` // "" is all
	Variant string `json:"variant,omitempty"`
	TPR     []Rate `json:"tpr"` // by budget
}

// Point is the share of attacks that are found at a budget of challenges.
type Point struct {
	Budget float64 `json:"challenges"`
	TPR    float64 `json:"tpr"`
}

// AtTPR is what it costs honest users that a share of the very targeted attacks
// is found: the form in which results on the RBA dataset are published. The
// threshold is one that finds so many of the attacks in the test window, so it
// is not prequential.
type AtTPR struct {
	TPR        float64 `json:"tpr"`
	Attacks    int     `json:"attacks"`
	Challenged float64 `json:"challenged"`
	Reauths    float64 `json:"median_challenges_in_12"`
}

// Learning is the share of attacks found at 1 % challenges by how often the
// victim had signed in before.
type Learning struct {
	From int  `json:"from"`
	To   int  `json:"to"` // 0 is open
	TPR  Rate `json:"tpr"`
}

// Defaults is what the shipped levels and policies do.
type Defaults struct {
	// Recall is the share of attacks that have their user at medium or above by
	// the compromise: all, then by kind.
	Recall []Recall `json:"recall_at_medium"`
	// Challenged is the share of benign sign-ins at which new evidence asks for
	// more; AtMedium that of those at medium or above, asked anew or not.
	Challenged Rate `json:"benign_sign_ins_challenged"`
	AtMedium   Rate `json:"benign_sign_ins_at_medium"`
	// Challenges and Alerts (a user reaches medium) of honest users, per 1,000
	// users per day.
	Challenges Rate `json:"challenges_per_1000_users_per_day"`
	Alerts     Rate `json:"alerts_per_1000_users_per_day"`
	Revokes    int  `json:"benign_revokes"`
	Revoked    int  `json:"benign_users_revoked"`
	// Ended is the share of session replays and approved fatigue that a revoke
	// ends while the account is in the attacker's hands, and at the compromise.
	Ended       Rate    `json:"replays_and_fatigue_revoked"`
	EndedAtOnce Rate    `json:"replays_and_fatigue_revoked_at_once"`
	Reauths     float64 `json:"median_challenges_in_12"`
}

// Recall is of one kind of attack.
type Recall struct {
	Attack string `json:"attack"` // "" is all
	Rate   Rate   `json:"rate"`
}

// Detection is how long a kind of attack goes on before its user is at medium.
// Times and events begin with the compromise; what is found before has 0.
type Detection struct {
	Attack   string  `json:"attack"` // "" is all
	Attacks  int     `json:"attacks"`
	InTime   int     `json:"by_the_compromise"`
	Detected int     `json:"detected"`
	Seconds  float64 `json:"median_seconds"` // of those detected
	Seconds9 float64 `json:"p90_seconds"`
	Events   float64 `json:"median_events"`
	Events9  float64 `json:"p90_events"`
}

// Campaign is how a kind of attack on many users is found: by a detector of
// such attacks, raised for one of its users.
type Campaign struct {
	Attack string `json:"attack"`
	Found  Rate   `json:"found"`
	Before Rate   `json:"found_before_30th_target"`
	// AtOnce are those found when the attacker first came in, or before: signals
	// go to users who come in, so hardly any is found sooner.
	AtOnce Rate    `json:"found_by_the_first_compromise"`
	Target float64 `json:"median_target"` // of those found: whose turn it was
	Came   float64 `json:"median_target_of_the_first_compromise"`
}

// Ablated is riskstream without a detector; the first has all.
type Ablated struct {
	Without    string  `json:"without"`
	TPR        float64 `json:"tpr"` // at 1 % challenges
	Recall     float64 `json:"recall_at_medium"`
	Challenged float64 `json:"benign_sign_ins_challenged"`
	Alerts     float64 `json:"alerts_per_1000_users_per_day"`
	// Most is the kind of attack whose TPR or recall falls most, and by how much.
	Most Fall `json:"most"`
}

// Fall is by how much less of a kind of attack is found.
type Fall struct {
	Attack string  `json:"attack,omitempty"`
	TPR    float64 `json:"tpr"`
	Recall float64 `json:"recall_at_medium"`
}

// moment is a time as reports tell it.
func moment(t event.Time) string { return t.Std().Format("2006-01-02") }
