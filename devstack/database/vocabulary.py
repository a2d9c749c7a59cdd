"""The words that made-up rows are made of. Addresses end in example.org and numbers begin with 555, so that nobody is reached."""

# ruff: noqa: SIM905 - a list of words reads better as text
from __future__ import annotations

FIRST = (
    "Ada Alan Amara Anders Anna Aoife Benoit Carla Chen Clara Dana David Diego Elena Emeka Emil Esther Fatima Felix Freya Grace "
    "Hana Hugo Ines Ingrid Ivan Jakub Joana Jonas Kenji Lars Leila Lena Linus Luca Maja Malik Marta Mateo Mei Mila Nadia Nils "
    "Noor Olga Omar Paula Pedro Priya Rafael Rosa Ruth Sami Sara Sofia Stefan Tara Theo Tomas Uma Vera Viktor Wanda Yara Yusuf Zoe"
).split()
LAST = (
    "Abe Adeyemi Almeida Andersen Bauer Becker Berg Bianchi Brown Castro Cohen Costa Dahl Diaz Dubois Eriksen Evans Farah Fischer "
    "Fuchs Garcia Gomez Haddad Hansen Hoffmann Ibrahim Ito Jansen Jensen Kaya Keller Khan Kim Klein Kowalski Lange Larsen Lee Lopez "
    "Marin Martin Mbeki Meyer Moreau Murphy Nguyen Novak Okafor Olsen Park Patel Peeters Pereira Petrov Rossi Roy Sato Schmidt Silva "
    "Singh Smith Suzuki Tanaka Torres Vogel Wagner Walker Weber Wolf Wong Yilmaz Zhang"
).split()
CITIES = (
    "Aarhus Accra Athens Austin Bergen Berlin Bogota Boston Bruges Cairo Cork Dakar Delhi Denver Dublin Geneva Ghent Graz Hamburg "
    "Hanoi Helsinki Kyoto Lagos Leeds Lima Lisbon Lyon Madrid Malmo Milan Montreal Munich Nairobi Osaka Oslo Paris Porto Prague Quito "
    "Riga Rome Seoul Seville Sofia Sydney Tallinn Tampere Tunis Turin Utrecht Vienna Vilnius Warsaw Zagreb Zurich"
).split()
COUNTRIES = (
    "Argentina Australia Austria Belgium Brazil Canada Chile Colombia Denmark Egypt Estonia Finland France Germany Ghana Greece India "
    "Ireland Italy Japan Kenya Mexico Morocco Norway Peru Poland Portugal Senegal Spain Sweden Tunisia Uruguay"
).split()
STREETS = (
    "Birch Bridge Castle Cedar Chapel Church Forest Garden Harbour Hill Lake Linden Market Mill North Oak Park River School".split()
)
COMPANIES = "Labs Works Systems Partners Foods Logistics Studio Energy Media Supply Textiles Instruments Tools Paper Motors".split()
WORDS = (
    "amber anchor apple arch autumn basket beacon bell birch blue board bottle branch bread bridge bright button cabin candle canvas "
    "carpet cedar chalk circle clay cliff clock cloud coast copper coral corner cotton crystal dawn desert door drum early east echo "
    "ember engine evening fabric falcon feather fern field fire flint flower forest fountain frame frost garden gate gentle glass "
    "gold grain granite green grove hammer harbour harvest hazel hill hollow honey horizon island ivory jade journey juniper kettle "
    "lamp lantern large late leaf lemon light lily linen little lumber maple marble market meadow mellow midnight mill mirror mist "
    "moon morning moss mountain narrow needle north oak ocean olive open orange orchard outer paper path pearl pebble pepper pine "
    "plain planet plum pocket pond quick quiet quill rain raven reed ribbon ridge ripple river rope rose round saddle sail salt sand "
    "scarlet shadow shell silver simple slate slow small snow soft south spark spring spruce star stone storm stream summer sun "
    "swift table thread timber tower trail valley velvet violet wagon warm water west wheat white wide willow wind window winter wood"
).split()
