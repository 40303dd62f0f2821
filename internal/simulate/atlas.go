package simulate

// entry is a city of the atlas. Its role is w for one where the company's
// people live, t for one that they travel to, a for one where attackers live.
type entry struct {
	role       byte
	code, land string
	city       string
	lat, lon   float64
	utcOffset  int
	office     bool
}

var atlas = [...]entry{
	{'w', "DE", "Germany", "Berlin", 52.5200, 13.4050, 1, true},
	{'w', "DE", "Germany", "Munich", 48.1374, 11.5755, 1, true},
	{'w', "DE", "Germany", "Hamburg", 53.5511, 9.9937, 1, false},
	{'w', "GB", "United Kingdom", "London", 51.5074, -0.1278, 0, true},
	{'w', "GB", "United Kingdom", "Edinburgh", 55.9533, -3.1883, 0, false},
	{'w', "US", "United States", "New York", 40.7128, -74.0060, -5, true},
	{'w', "US", "United States", "San Francisco", 37.7749, -122.4194, -8, true},
	{'w', "US", "United States", "Chicago", 41.8781, -87.6298, -6, false},
	{'w', "SG", "Singapore", "Singapore", 1.3521, 103.8198, 8, true},
	{'w', "FR", "France", "Paris", 48.8566, 2.3522, 1, false},
	{'t', "ES", "Spain", "Barcelona", 41.3874, 2.1686, 1, false},
	{'t', "IT", "Italy", "Rome", 41.9028, 12.4964, 1, false},
	{'t', "NL", "Netherlands", "Amsterdam", 52.3676, 4.9041, 1, false},
	{'t', "PL", "Poland", "Warsaw", 52.2297, 21.0122, 1, false},
	{'t', "CH", "Switzerland", "Zurich", 47.3769, 8.5417, 1, false},
	{'t', "AT", "Austria", "Vienna", 48.2082, 16.3738, 1, false},
	{'t', "SE", "Sweden", "Stockholm", 59.3293, 18.0686, 1, false},
	{'t', "PT", "Portugal", "Lisbon", 38.7223, -9.1393, 0, false},
	{'t', "JP", "Japan", "Tokyo", 35.6895, 139.6917, 9, false},
	{'t', "IN", "India", "Bengaluru", 12.9716, 77.5946, 5, false},
	{'t', "CA", "Canada", "Toronto", 43.6532, -79.3832, -5, false},
	{'t', "AE", "United Arab Emirates", "Dubai", 25.2048, 55.2708, 4, false},
	{'a', "NG", "Nigeria", "Lagos", 6.5244, 3.3792, 1, false},
	{'a', "RU", "Russia", "Moscow", 55.7558, 37.6173, 3, false},
	{'a', "BR", "Brazil", "São Paulo", -23.5505, -46.6333, -3, false},
	{'a', "VN", "Vietnam", "Hanoi", 21.0278, 105.8342, 7, false},
	{'a', "RO", "Romania", "Bucharest", 44.4268, 26.1025, 2, false},
	{'a', "ID", "Indonesia", "Jakarta", -6.2088, 106.8456, 7, false},
	{'a', "CN", "China", "Shenzhen", 22.5431, 114.0579, 8, false},
	{'a', "UA", "Ukraine", "Kyiv", 50.4501, 30.5234, 2, false},
}
