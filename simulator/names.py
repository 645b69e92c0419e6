"""Names, streets and places for invented people; no mailbox of theirs can be anybody's."""

FIRST_NAMES = (
    "Ada", "Agnes", "Aisha", "Alan", "Amir", "Ana", "Anders", "Andrea", "Anna", "Astrid", "Ben", "Bianca", "Bjorn", "Carla",
    "Carlos", "Chen", "Chloe", "Clara", "Dana", "Daniel", "David", "Diego", "Elena", "Elif", "Emil", "Emma", "Erik", "Eva",
    "Farah", "Felix", "Fiona", "Frank", "Freya", "George", "Grace", "Greta", "Hana", "Hassan", "Helen", "Henry", "Ida",
    "Ines", "Ivan", "Jack", "James", "Jana", "Jonas", "Julia", "Karim", "Kate", "Kenji", "Lars", "Laura", "Lea", "Leo",
    "Liam", "Lina", "Louis", "Lucia", "Mara", "Marco", "Maria", "Marta", "Max", "Mei", "Mila", "Nadia", "Nina", "Noah",
    "Nora", "Olga", "Oliver", "Omar", "Oscar", "Paul", "Petra", "Priya", "Rafael", "Rania", "Rosa", "Ruth", "Sam", "Sara",
    "Simon", "Sofia", "Sven", "Tara", "Theo", "Thomas", "Uma", "Vera", "Victor", "Wei", "Yara", "Yusuf", "Zoe",
)  # fmt: skip
LAST_NAMES = (
    "Abbott", "Ahmed", "Almeida", "Anderson", "Bailey", "Baker", "Bauer", "Becker", "Bell", "Berg", "Bianchi", "Brooks",
    "Brown", "Carter", "Castro", "Chang", "Clarke", "Cohen", "Costa", "Dahl", "Davies", "Demir", "Diaz", "Dubois", "Eriksen",
    "Evans", "Ferrari", "Fischer", "Foster", "Garcia", "Gomez", "Green", "Gupta", "Haas", "Hansen", "Harris", "Hoffmann",
    "Hughes", "Ito", "Jansen", "Johnson", "Jones", "Kaya", "Keller", "Khan", "Kim", "Kowalski", "Larsen", "Lee", "Lopez",
    "Lund", "Martin", "Meyer", "Moore", "Morales", "Moreau", "Murphy", "Nair", "Nguyen", "Novak", "Olsen", "Ortiz", "Park",
    "Patel", "Perez", "Petrov", "Quinn", "Ramos", "Reid", "Ricci", "Rossi", "Roy", "Santos", "Sato", "Schmidt", "Shah",
    "Silva", "Singh", "Smith", "Stone", "Suzuki", "Tanaka", "Taylor", "Torres", "Turner", "Vogel", "Wagner", "Walker",
    "Weber", "White", "Wilson", "Wong", "Wright", "Yilmaz", "Young", "Zhang",
)  # fmt: skip
STREETS = (
    "Acorn Street", "Bridge Road", "Canal Walk", "Dock Lane", "Elm Avenue", "Ferry Road", "Garden Terrace", "Hill Street",
    "Mill Lane", "North Parade", "Orchard Way", "Park Crescent", "Quay Street", "River View", "Station Road", "Tanner Row",
)  # fmt: skip
# city, province, its code, first digits of the zip, time zone
CITIES = (
    ("Portland", "Oregon", "OR", "972", "America/Los_Angeles"),
    ("Seattle", "Washington", "WA", "981", "America/Los_Angeles"),
    ("Denver", "Colorado", "CO", "802", "America/Denver"),
    ("Austin", "Texas", "TX", "787", "America/Chicago"),
    ("Chicago", "Illinois", "IL", "606", "America/Chicago"),
    ("Boston", "Massachusetts", "MA", "021", "America/New_York"),
    ("Brooklyn", "New York", "NY", "112", "America/New_York"),
    ("Atlanta", "Georgia", "GA", "303", "America/New_York"),
    ("Madison", "Wisconsin", "WI", "537", "America/Chicago"),
    ("Tucson", "Arizona", "AZ", "857", "America/Phoenix"),
    ("Savannah", "Georgia", "GA", "314", "America/New_York"),
    ("Oakland", "California", "CA", "946", "America/Los_Angeles"),
    ("Berlin", "Berlin", "BE", "101", "Europe/Berlin"),
    ("Hamburg", "Hamburg", "HH", "203", "Europe/Berlin"),
    ("Leipzig", "Saxony", "SN", "041", "Europe/Berlin"),
    ("Munich", "Bavaria", "BY", "803", "Europe/Berlin"),
)
STORE_CITIES = ((0, 12), (12, 4))
"""For each storefront the first of its cities and how many they are."""
CITY_COUNTRIES = (*[("United States", "US")] * 12, *[("Germany", "DE")] * 4)
# The domains of RFC 2606 and names under `.example`, which nobody can own; the weights follow how few providers hold most mailboxes.
DOMAINS = (
    "example.com",
    "gmail.com",
    "example.org",
    "example.net",
    "postbox.example",
    "mail.example",
    "letters.example",
)
DOMAIN_WEIGHTS = (0.22, 0.30, 0.16, 0.12, 0.10, 0.06, 0.04)
GMAIL = 1
GMAIL_TAIL = "from.harbour.and.hill.shop"
"""Makes more than the 30 letters that a Gmail name may have, so that nobody owns one."""
