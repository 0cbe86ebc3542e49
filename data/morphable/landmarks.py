"""The 68 landmark vertices (iBUG/300-W order) on MakeHuman's base mesh.

First picked by hand; then those whose median residual against detected landmarks, over 155 photographs fitted by
landmarks alone, exceeded 0.9 mm were moved to the vertex nearest to where the detector sees the point (eye corners,
brow ends, outer lips). That took the mean landmark error of these fits from 3.9 to 3.3 % of the inter-ocular distance.
Lids and inner lips stay on the edges that meet when eye and mouth close, whatever the photographs' mean expression:
otherwise an open mouth would be explained by thick lips.
"""

JAW = (867, 5531, 869, 992, 5240, 915, 891, 5292, 780, 11898, 7593, 7617, 11849, 7686, 7574, 12130, 7572)
BROWS = (188, 179, 176, 174, 166, 6943, 6950, 6952, 6955, 6964)
NOSE = (134, 5063, 201, 294, 333, 314, 343, 7077, 7095)
EYES = (4858, 4848, 4865, 51, 4862, 4860, 6835, 11483, 11466, 11476, 11478, 11480)
LIPS = (369, 410, 456, 466, 7215, 7170, 7129, 7166, 7241, 492, 486, 406, 432, 471, 474, 7227, 7192, 7242, 493, 487)
LANDMARK_VERTICES = JAW + BROWS + NOSE + EYES + LIPS
