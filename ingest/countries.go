package ingest

import (
	"strings"

	"github.com/riskstream/riskstream/event"
)

// country reads a country: an ISO 3166-1 alpha-2 code in any case, or an
// English name. What is neither, such as the regions "EU" and "AP" of some
// databases, is "": unknown.
func country(s string) string {
	if len(s) == 2 {
		code := strings.ToUpper(strings.TrimSpace(s))
		if code == "UK" {
			return "GB"
		}
		if len(code) == 2 && strings.Contains(countryCodes, code) { // codes stand apart: a match is a whole code
			return code
		}
		return ""
	}
	if len(s) > maxCountryName {
		return ""
	}
	var buf [maxCountryName]byte
	return countryByName[string(event.AppendLower(buf[:0], s))]
}

const maxCountryName = 64

// countryCodes are the assigned ISO 3166-1 codes, and XK, which logs use for
// Kosovo.
const countryCodes = "" +
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI " +
	"BJ BL BM BN BO BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN " +
	"CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK " +
	"FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM " +
	"HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN " +
	"KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK " +
	"ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP " +
	"NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW " +
	"SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF " +
	"TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI " +
	"VN VU WF WS XK YE YT ZA ZM ZW "

// countryByName leads from lower-case English names, as identity providers and
// location databases write them, to codes.
var countryByName = map[string]string{
	"andorra": "AD", "uae": "AE", "united arab emirates": "AE", "afghanistan": "AF",
	"antigua & barbuda": "AG", "antigua and barbuda": "AG", "anguilla": "AI", "albania": "AL", "armenia": "AM",
	"angola": "AO", "antarctica": "AQ", "argentina": "AR", "american samoa": "AS", "austria": "AT", "australia": "AU",
	"aruba": "AW", "aland islands": "AX", "åland": "AX", "åland islands": "AX", "azerbaijan": "AZ",
	"bosnia": "BA", "bosnia & herzegovina": "BA", "bosnia and herzegovina": "BA", "barbados": "BB", "bangladesh": "BD",
	"belgium": "BE", "burkina faso": "BF", "bulgaria": "BG", "bahrain": "BH", "burundi": "BI", "benin": "BJ",
	"saint barthelemy": "BL", "saint barthélemy": "BL", "st barthelemy": "BL", "st. barthélemy": "BL", "bermuda": "BM",
	"brunei": "BN", "brunei darussalam": "BN",
	"bolivia": "BO", "bolivia, plurinational state of": "BO", "plurinational state of bolivia": "BO",
	"bonaire, sint eustatius and saba": "BQ", "bonaire, sint eustatius, and saba": "BQ", "caribbean netherlands": "BQ",
	"brazil": "BR", "bahamas": "BS", "the bahamas": "BS", "bhutan": "BT", "bouvet island": "BV", "botswana": "BW",
	"belarus": "BY", "belize": "BZ", "canada": "CA", "cocos (keeling) islands": "CC", "cocos islands": "CC",
	"congo (kinshasa)": "CD", "congo - kinshasa": "CD", "congo dr": "CD",
	"congo, the democratic republic of the": "CD", "democratic republic of the congo": "CD", "dr congo": "CD",
	"central african republic": "CF",
	"congo":                    "CG", "congo (brazzaville)": "CG", "congo - brazzaville": "CG",
	"congo republic": "CG", "republic of the congo": "CG",
	"switzerland": "CH", "cote d'ivoire": "CI", "côte d'ivoire": "CI", "côte d’ivoire": "CI", "ivory coast": "CI",
	"cook islands": "CK", "chile": "CL", "cameroon": "CM",
	"china": "CN", "mainland china": "CN", "people's republic of china": "CN", "colombia": "CO", "costa rica": "CR",
	"cuba": "CU", "cabo verde": "CV", "cape verde": "CV", "curacao": "CW", "curaçao": "CW", "christmas island": "CX",
	"cyprus": "CY", "czech republic": "CZ", "czechia": "CZ", "germany": "DE", "djibouti": "DJ", "denmark": "DK",
	"dominica": "DM", "dominican republic": "DO", "algeria": "DZ", "ecuador": "EC", "estonia": "EE", "egypt": "EG",
	"western sahara": "EH", "eritrea": "ER", "spain": "ES", "ethiopia": "ET", "finland": "FI", "fiji": "FJ",
	"falkland islands": "FK", "falkland islands (malvinas)": "FK",
	"federated states of micronesia": "FM", "micronesia": "FM", "micronesia, federated states of": "FM",
	"faroe islands": "FO", "france": "FR", "gabon": "GA",
	"britain": "GB", "england": "GB", "great britain": "GB", "northern ireland": "GB", "scotland": "GB",
	"uk": "GB", "united kingdom": "GB", "united kingdom of great britain and northern ireland": "GB",
	"wales":   "GB",
	"grenada": "GD", "georgia": "GE", "french guiana": "GF", "guernsey": "GG", "ghana": "GH", "gibraltar": "GI",
	"greenland": "GL", "gambia": "GM", "the gambia": "GM", "guinea": "GN", "guadeloupe": "GP", "equatorial guinea": "GQ",
	"greece": "GR", "south georgia and the south sandwich islands": "GS", "guatemala": "GT", "guam": "GU",
	"guinea-bissau": "GW", "guyana": "GY", "hong kong": "HK", "hong kong sar": "HK", "hong kong sar china": "HK",
	"heard island and mcdonald islands": "HM", "honduras": "HN", "croatia": "HR", "haiti": "HT", "hungary": "HU",
	"indonesia": "ID", "ireland": "IE", "israel": "IL", "isle of man": "IM", "india": "IN",
	"british indian ocean territory": "IO", "iraq": "IQ",
	"iran": "IR", "iran, islamic republic of": "IR", "islamic republic of iran": "IR", "iceland": "IS", "italy": "IT",
	"jersey": "JE", "jamaica": "JM", "jordan": "JO", "japan": "JP", "kenya": "KE", "kyrgyzstan": "KG", "cambodia": "KH",
	"kiribati": "KI", "comoros": "KM",
	"saint kitts and nevis": "KN", "st kitts & nevis": "KN", "st. kitts & nevis": "KN",
	"democratic people's republic of korea": "KP", "korea, democratic people's republic of": "KP", "north korea": "KP",
	"korea": "KR", "korea (the republic of)": "KR", "korea, republic of": "KR", "republic of korea": "KR",
	"south korea": "KR",
	"kuwait":      "KW", "cayman islands": "KY", "kazakhstan": "KZ", "lao people's democratic republic": "LA", "laos": "LA",
	"lebanon": "LB", "saint lucia": "LC", "st lucia": "LC", "st. lucia": "LC", "liechtenstein": "LI", "sri lanka": "LK",
	"liberia": "LR", "lesotho": "LS", "lithuania": "LT", "luxembourg": "LU", "latvia": "LV",
	"libya": "LY", "libyan arab jamahiriya": "LY", "morocco": "MA", "monaco": "MC",
	"moldova": "MD", "moldova, republic of": "MD", "republic of moldova": "MD", "montenegro": "ME",
	"saint martin": "MF", "st martin": "MF", "st. martin": "MF", "madagascar": "MG", "marshall islands": "MH",
	"macedonia": "MK", "macedonia, the former yugoslav republic of": "MK", "north macedonia": "MK", "mali": "ML",
	"burma": "MM", "myanmar": "MM", "mongolia": "MN", "macao": "MO", "macao sar china": "MO", "macau": "MO",
	"northern mariana islands": "MP", "martinique": "MQ", "mauritania": "MR", "montserrat": "MS", "malta": "MT",
	"mauritius": "MU", "maldives": "MV", "malawi": "MW", "mexico": "MX", "malaysia": "MY", "mozambique": "MZ",
	"namibia": "NA", "new caledonia": "NC", "niger": "NE", "norfolk island": "NF", "nigeria": "NG", "nicaragua": "NI",
	"holland": "NL", "netherlands": "NL", "the netherlands": "NL", "norway": "NO", "nepal": "NP", "nauru": "NR",
	"niue": "NU", "new zealand": "NZ", "oman": "OM", "panama": "PA", "peru": "PE", "french polynesia": "PF",
	"papua new guinea": "PG", "philippines": "PH", "the philippines": "PH", "pakistan": "PK", "poland": "PL",
	"saint pierre and miquelon": "PM", "st pierre & miquelon": "PM", "st. pierre & miquelon": "PM", "pitcairn": "PN",
	"puerto rico": "PR",
	"palestine":   "PS", "palestine, state of": "PS", "palestinian territories": "PS",
	"palestinian territory": "PS", "state of palestine": "PS",
	"portugal": "PT", "palau": "PW", "paraguay": "PY", "qatar": "QA", "reunion": "RE", "réunion": "RE", "romania": "RO",
	"serbia": "RS", "russia": "RU", "russian federation": "RU", "rwanda": "RW", "saudi arabia": "SA",
	"solomon islands": "SB", "seychelles": "SC", "sudan": "SD", "sweden": "SE", "singapore": "SG",
	"saint helena": "SH", "st helena": "SH", "st. helena": "SH", "slovenia": "SI", "svalbard and jan mayen": "SJ",
	"slovakia": "SK", "sierra leone": "SL", "san marino": "SM", "senegal": "SN", "somalia": "SO", "suriname": "SR",
	"south sudan": "SS", "sao tome and principe": "ST", "são tomé & príncipe": "ST", "são tomé and príncipe": "ST",
	"el salvador": "SV", "sint maarten": "SX", "syria": "SY", "syrian arab republic": "SY",
	"eswatini": "SZ", "swaziland": "SZ", "turks & caicos islands": "TC", "turks and caicos islands": "TC", "chad": "TD",
	"french southern territories": "TF", "togo": "TG", "thailand": "TH", "tajikistan": "TJ", "tokelau": "TK",
	"east timor": "TL", "timor-leste": "TL", "turkmenistan": "TM", "tunisia": "TN", "tonga": "TO",
	"turkey": "TR", "turkiye": "TR", "türkiye": "TR", "trinidad & tobago": "TT", "trinidad and tobago": "TT",
	"tuvalu": "TV", "taiwan": "TW", "taiwan, province of china": "TW", "taiwan, republic of china": "TW",
	"tanzania": "TZ", "tanzania, united republic of": "TZ", "united republic of tanzania": "TZ", "ukraine": "UA",
	"uganda": "UG", "u.s. outlying islands": "UM", "united states minor outlying islands": "UM",
	"u.s.": "US", "u.s.a.": "US", "united states": "US", "united states of america": "US", "usa": "US", "uruguay": "UY",
	"uzbekistan": "UZ", "holy see": "VA", "vatican": "VA", "vatican city": "VA",
	"saint vincent and the grenadines": "VC", "st vincent": "VC", "st vincent and grenadines": "VC",
	"st. vincent & grenadines":         "VC",
	"bolivarian republic of venezuela": "VE", "venezuela": "VE", "venezuela, bolivarian republic of": "VE",
	"british virgin islands": "VG", "virgin islands, british": "VG",
	"u.s. virgin islands": "VI", "us virgin islands": "VI", "virgin islands, u.s.": "VI",
	"viet nam": "VN", "vietnam": "VN", "vanuatu": "VU", "wallis and futuna": "WF", "samoa": "WS", "kosovo": "XK",
	"yemen": "YE", "mayotte": "YT", "south africa": "ZA", "zambia": "ZM", "zimbabwe": "ZW",
}
